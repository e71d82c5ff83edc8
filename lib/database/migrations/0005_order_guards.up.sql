create function orders.guard_transition() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  if not exists (
    select from orders.status_transitions where from_status = old.status and to_status = new.status
  ) then
    raise exception 'order % cannot go from % to %', new.id, old.status, new.status
      using errcode = 'integrity_constraint_violation', constraint = 'order_transition';
  end if;
  return new;
end
$$;
create trigger guard_transition before update of status on orders.orders
  for each row when (old.status is distinct from new.status) execute function orders.guard_transition();

create function orders.guard_first_status() returns trigger
language plpgsql as $$
begin
  raise exception 'order % must begin pending, not %', new.id, new.status
    using errcode = 'integrity_constraint_violation', constraint = 'order_begins_pending';
end
$$;
create trigger guard_first_status before insert on orders.orders
  for each row when (new.status <> 'pending') execute function orders.guard_first_status();

-- What an ended order must look like, checked when its transaction commits: invariants 2 and 3.
create function orders.guard_outcome() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  if new.status = 'confirmed' then
    if not exists (
      select from payments.payments p
      where p.order_id = new.id and p.status = 'captured' and p.amount = new.total and p.currency = new.currency
    ) then
      raise exception 'confirmed order % has no captured payment of its total', new.id
        using errcode = 'integrity_constraint_violation', constraint = 'confirmed_order_is_paid';
    end if;
    if exists (
      select from orders.lines l
      left join stock.reservations r on r.order_id = l.order_id and r.product_id = l.product_id
      where l.order_id = new.id and (r.state is distinct from 'committed' or r.quantity <> l.quantity)
    ) then
      raise exception 'confirmed order % has stock that is not committed', new.id
        using errcode = 'integrity_constraint_violation', constraint = 'confirmed_order_has_stock';
    end if;
  else
    if exists (select from payments.payments p where p.order_id = new.id and p.status = 'captured') then
      raise exception 'order % cannot end % with its payment kept', new.id, new.status
        using errcode = 'integrity_constraint_violation', constraint = 'compensated_order_is_refunded';
    end if;
    if exists (select from stock.reservations r where r.order_id = new.id and r.state in ('held', 'committed')) then
      raise exception 'order % cannot end % with its stock kept', new.id, new.status
        using errcode = 'integrity_constraint_violation', constraint = 'compensated_order_gave_stock_back';
    end if;
  end if;
  return null;
end
$$;
create constraint trigger guard_outcome after update of status on orders.orders
  deferrable initially deferred
  for each row when (new.status in ('confirmed', 'failed', 'cancelled')) execute function orders.guard_outcome();

create function orders.guard_lines() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  if new.subtotal is distinct from (select sum(l.total) from orders.lines l where l.order_id = new.id) then
    raise exception 'subtotal of order % is not the sum of its lines', new.id
      using errcode = 'integrity_constraint_violation', constraint = 'order_adds_up';
  end if;
  return null;
end
$$;
create constraint trigger guard_lines after insert on orders.orders
  deferrable initially deferred
  for each row execute function orders.guard_lines();

create function orders.guard_added_lines() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  if (select o.subtotal from orders.orders o where o.id = new.order_id)
    is distinct from (select sum(l.total) from orders.lines l where l.order_id = new.order_id) then
    raise exception 'subtotal of order % is not the sum of its lines', new.order_id
      using errcode = 'integrity_constraint_violation', constraint = 'order_adds_up';
  end if;
  return null;
end
$$;
create constraint trigger guard_added_lines after insert on orders.lines
  deferrable initially deferred
  for each row execute function orders.guard_added_lines();
