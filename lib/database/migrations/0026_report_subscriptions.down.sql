revoke usage on schema customers, outbox from report_sender;
revoke insert on customers.mails, outbox.events from report_sender;
drop table reports.idempotency_keys;
drop table reports.runs;
drop table reports.subscriptions;
revoke usage on schema reports from reports_api, report_sender, jobs;
drop domain kernel.report_run_id;
drop domain kernel.report_subscription_id;
