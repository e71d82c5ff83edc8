-- Reserved for another migration.
select 1;
