drop view stock.wanted, orders.priceable_customers, orders.sold_products, orders.priceable_products;
drop table
  orders.idempotency_keys, orders.review_idempotency_keys, orders.manual_reviews, orders.timeline, orders.lines, orders.orders, orders.status_transitions;
drop function
  orders.next_number(text),
  orders.guard_first_status(), orders.guard_transition(), orders.guard_outcome(),
  orders.guard_lines();
drop sequence orders.order_numbers;
drop schema orders;
