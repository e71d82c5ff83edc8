"""A whole flow of a shop by the client that openapi-python-client generates. Arguments: base URL, Client-Id."""

import sys
import uuid

from counterfoil_client import AuthenticatedClient, Client
from counterfoil_client.api.catalogue import list_products
from counterfoil_client.api.customers import sign_up
from counterfoil_client.api.orders import get_order, get_order_timeline, place_order
from counterfoil_client.api.sessions import sign_in
from counterfoil_client.models import (
    PasswordSignIn,
    PlaceOrderRequest,
    PlaceOrderRequestLinesItem,
    Problem,
    ProblemCode,
    SignUpRequest,
    StatusChangedEntry,
)

base_url, client_id = sys.argv[1:]
shop = Client(base_url=base_url, headers={"Client-Id": client_id}, timeout=60, raise_on_unexpected_status=True)

email, password = f"python-{uuid.uuid4()}@example.com", f"secret-{uuid.uuid4()}"
signed_up = sign_up.sync(client=shop, body=SignUpRequest(email=email, password=password, name="Ada"))
assert signed_up.email == email, signed_up
session = sign_in.sync(client=shop, body=PasswordSignIn(email=email, password=password))
buyer = AuthenticatedClient(base_url=base_url, token=session.token, timeout=60, raise_on_unexpected_status=True)

product = list_products.sync(client=shop, limit=1).data[0]


def place(product_id: str):
    """Places an order of one unit and waits until it has ended."""
    lines = [PlaceOrderRequestLinesItem(product_id=product_id, quantity=1)]
    body = PlaceOrderRequest(lines=lines, payment_method="pm_card_visa")
    return place_order.sync(client=buyer, body=body, idempotency_key=str(uuid.uuid4()), prefer="wait=20")


order = place(product.id)
assert order.status == "confirmed", order
assert order.total.amount == product.price.amount, order
again = get_order.sync(client=buyer, order_id=order.id)
assert again.to_dict() == order.to_dict(), again
entries = get_order_timeline.sync(client=buyer, order_id=order.id).data
assert isinstance(entries[-1], StatusChangedEntry) and entries[-1].detail.to == "confirmed", entries

refused = place("prd_" + "0" * 32)
assert isinstance(refused, Problem) and refused.code == ProblemCode.PRODUCT_NOT_AVAILABLE, refused
