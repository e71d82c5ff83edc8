-- What an order costs besides its goods: shipping, tax and coupons.
create schema pricing;

create extension btree_gist with schema pricing;

create table pricing.shipping_methods (
  code text collate "C" primary key check (length(code) <= 64 and code ~ '^[a-z0-9]+(-[a-z0-9]+)*$'),
  name text not null check (length(name) between 1 and 100),
  -- Among the methods that a customer can choose from.
  position integer not null default 0 check (position >= 0),
  -- ISO 3166-1 alpha-2 codes; null for every country.
  countries jsonb check (jsonb_typeof(countries) = 'array'),
  currency kernel.currency not null,
  -- `type` is `flat` with an `amount`, or `by-weight` or `by-total` with `tiers` of an `upTo` and an `amount`.
  cost jsonb not null check (cost ->> 'type' in ('flat', 'by-weight', 'by-total')),
  -- The shipping is free when the goods cost more, in minor units.
  free_above bigint check (free_above >= 0),
  tax_class text not null default 'standard' check (tax_class ~ '^[a-z][a-z0-9-]{0,39}$'),
  active boolean not null default true,
  version integer not null default 1 check (version >= 1),
  created_at timestamptz not null,
  updated_at timestamptz not null
);

create table pricing.tax_rates (
  code text collate "C" primary key check (length(code) <= 64 and code ~ '^[a-z0-9]+(-[a-z0-9]+)*$'),
  name text not null check (length(name) between 1 and 100),
  country text collate "C" not null check (country ~ '^[A-Z]{2}$'),
  -- In upper case; null for the whole country.
  region text check (length(region) between 1 and 100 and region = upper(region)),
  tax_class text collate "C" not null check (tax_class ~ '^[a-z][a-z0-9-]{0,39}$'),
  -- In millionths: 190000 is 19 %.
  rate integer not null check (rate between 0 and 1000000),
  -- Whether a business with a verified VAT number owes the tax itself.
  reverse_charge boolean not null default false,
  -- Null where there is no limit. The end is exclusive.
  valid_from timestamptz,
  valid_to timestamptz,
  version integer not null default 1 check (version >= 1),
  created_at timestamptz not null,
  updated_at timestamptz not null,
  constraint tax_rate_begins_before_it_ends check (valid_from < valid_to),
  constraint one_tax_rate_at_a_time exclude using gist (
    country with =, coalesce(region, '') with =, tax_class with =,
    tstzrange(valid_from, valid_to) with &&
  )
);

create table pricing.coupons (
  code text collate "C" primary key check (code ~ '^[A-Z0-9][A-Z0-9-]{2,39}$'),
  kind text collate "C" not null check (kind in ('percent', 'amount', 'free-shipping')),
  percent smallint check (percent between 1 and 100),
  amount bigint check (amount between 1 and 100000000),
  currency kernel.currency,
  -- Null where there is no limit. The end is exclusive.
  valid_from timestamptz,
  valid_to timestamptz,
  -- How many orders may use it, in all and of each customer. Orders that failed or were cancelled do not count.
  usage_limit integer check (usage_limit >= 0),
  customer_limit integer check (customer_limit >= 1),
  used integer not null default 0,
  version integer not null default 1 check (version >= 1),
  created_at timestamptz not null,
  updated_at timestamptz not null,
  constraint coupon_has_its_value check (
    (percent is not null) = (kind = 'percent') and (amount is not null) = (kind = 'amount')
    and (currency is not null) = (kind = 'amount')
  ),
  constraint coupon_begins_before_it_ends check (valid_from < valid_to),
  constraint coupon_within_limit check (used between 0 and coalesce(usage_limit, 2147483647))
);

-- One row for each order that uses a coupon, as long as the order has not failed and is not cancelled.
create table pricing.coupon_uses (
  order_id kernel.order_id primary key,
  code text collate "C" not null references pricing.coupons (code),
  customer_id kernel.customer_id,
  used_at timestamptz not null
);
create index coupon_uses_by_code on pricing.coupon_uses (code, customer_id);

-- How many orders of a customer use a coupon, and how many might when the last one did.
create table pricing.coupon_customers (
  code text collate "C" not null references pricing.coupons (code),
  customer_id kernel.customer_id not null,
  uses integer not null,
  at_most integer,
  primary key (code, customer_id),
  constraint coupon_within_customer_limit check (uses between 0 and coalesce(at_most, 2147483647))
);

-- What an order says of its coupon when the transaction that ends it commits.
create function orders.guard_coupon() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
  counted constant text := (select u.code from pricing.coupon_uses u where u.order_id = new.id);
begin
  if new.status = 'confirmed' and counted is distinct from new.coupon_code then
    raise exception 'confirmed order % has a coupon that does not count it', new.id
      using errcode = 'integrity_constraint_violation', constraint = 'confirmed_order_has_its_coupon';
  end if;
  if new.status <> 'confirmed' and counted is not null then
    raise exception 'order % cannot end % with its use of a coupon kept', new.id, new.status
      using errcode = 'integrity_constraint_violation', constraint = 'compensated_order_gave_coupon_back';
  end if;
  return null;
end
$$;
create constraint trigger guard_coupon after update of status on orders.orders
  deferrable initially deferred
  for each row when (new.coupon_code is not null and new.status in ('confirmed', 'failed', 'cancelled'))
  execute function orders.guard_coupon();

create view monitor.coupon_codes as select code from pricing.coupons;
-- Empty: a coupon counts exactly the orders that use it, in all and of each customer, and never more than it may.
create view monitor.coupon_violations as
  select c.code
  from pricing.coupons c
  where c.used is distinct from (select count(*) from pricing.coupon_uses u where u.code = c.code)
    or c.used > c.usage_limit
    or exists (
      select from pricing.coupon_customers k
      where k.code = c.code and k.uses is distinct from (
        select count(*) from pricing.coupon_uses u where u.code = k.code and u.customer_id = k.customer_id
      )
    );

grant select on monitor.coupon_codes, monitor.coupon_violations to monitor;

grant usage on schema pricing to orders_api, saga, manual_review, catalog_api, catalog_reader;

grant select on pricing.shipping_methods, pricing.tax_rates, pricing.coupons, pricing.coupon_customers to orders_api;
grant update (used) on pricing.coupons to orders_api;
grant insert, update (uses, at_most) on pricing.coupon_customers to orders_api;
grant insert on pricing.coupon_uses to orders_api;

grant select, delete on pricing.coupon_uses to saga, manual_review;
grant select (code, used), update (used) on pricing.coupons to saga, manual_review;
grant select (code, customer_id, uses), update (uses) on pricing.coupon_customers to saga, manual_review;

grant select, insert, delete, update (name, position, countries, currency, cost, free_above, tax_class, active, version,
  updated_at) on pricing.shipping_methods to catalog_api;
grant select, insert, delete, update (name, country, region, tax_class, rate, reverse_charge, valid_from, valid_to, version,
  updated_at) on pricing.tax_rates to catalog_api;
grant select, insert, update (kind, percent, amount, currency, valid_from, valid_to, usage_limit, customer_limit, version,
  updated_at) on pricing.coupons to catalog_api;
grant select on pricing.shipping_methods to catalog_reader;
