drop table customers.addresses;
drop domain kernel.address_id;
