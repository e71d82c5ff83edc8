drop table customers.mails;
drop domain kernel.mail_id;
drop table customers.email_tokens;
alter table customers.customers drop column password_version;
alter table customers.customers drop column confirmed_at;
revoke update (email) on customers.customers from customers_api;
revoke usage on schema kernel, customers from mailer;

do $$
begin
  execute format('revoke all on database %I from mailer', current_database());
  begin
    drop role mailer;
  exception when dependent_objects_still_exist then
    null;
  end;
end
$$;
