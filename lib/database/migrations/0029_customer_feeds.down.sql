drop view reporting.customer_entries, reporting.feeds;
drop view customers.email_hashes;
drop table customers.feed_entries, customers.feeds;
drop function customers.skip_erased();
revoke usage on schema customers from customer_feeds;
drop index customers.customers_by_email_hash;
drop function customers.hash_email(text);
