drop table customers.identities;
drop domain kernel.identity_id;
