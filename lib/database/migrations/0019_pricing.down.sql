drop trigger guard_coupon on orders.orders;
drop function orders.guard_coupon();
drop view monitor.coupon_violations, monitor.coupon_codes;
drop table pricing.coupon_customers, pricing.coupon_uses, pricing.coupons, pricing.tax_rates, pricing.shipping_methods;
drop extension btree_gist;
drop schema pricing;
