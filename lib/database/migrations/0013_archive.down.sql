drop function archive.move_orders(timestamptz, timestamptz, integer), archive.unarchive_order(text, timestamptz);
drop view archive.movable_orders, archive.reservations, archive.refunds, archive.payments, archive.manual_reviews,
  archive.timeline, archive.lines, archive.orders, archive.order_details, archive.documents;
drop table archive.unarchived, archive.order_keys, archive.pages;
drop schema archive;
