drop table catalog.imports;
drop domain kernel.import_id;
