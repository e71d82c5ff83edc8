-- A constraint that has been checked cannot be made unchecked but by making it anew.
alter table orders.orders
  drop constraint order_status_known,
  drop constraint payment_action_while_pending,
  add constraint order_status_known check (status in
    ('pending', 'reserved', 'pending_payment', 'paid', 'confirmed', 'failed', 'cancelling', 'cancelled', 'needs_attention')
  ) not valid,
  add constraint payment_action_while_pending check ((payment_action is not null) = (status = 'pending_payment')) not valid;
