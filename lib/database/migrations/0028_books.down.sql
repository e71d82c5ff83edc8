drop view monitor.booked_sales, monitor.booked_refunds;
