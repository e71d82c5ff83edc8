import type { Order } from '../client.ts';
import { element } from '../web-shop/dom.ts';
import { fields, folded, form, type Values } from './forms.ts';
import type { Office } from './office.ts';
import { badge, type Content, card, link, quiet } from './parts.ts';
import { namesOf, type Units, unitFields, unitsIn } from './units.ts';

type Parcel = Awaited<ReturnType<Office['parcels']>>[number];

/** The parcels of an order, and what is left to pack or to cancel. `again` shows the order anew. */
export function parcelsCard(
  office: Office,
  order: Order,
  parcels: readonly Parcel[],
  again: () => Promise<void>,
): HTMLElement {
  const { id, lines, status, archived, fulfilmentStatus } = order;
  const mayShip = status === 'confirmed' && !archived;
  /** A form for units of which there are some left, and what it does with them. */
  const unitsForm = (
    left: (line: Order['lines'][number]) => number,
    value: 'all' | 'none',
    submit: string,
    act: (orderId: string, units: Units[], key: string) => Promise<unknown>,
  ) => {
    const units = lines.map((line) => ({ productId: line.productId, quantity: left(line) }));
    const controls = unitFields(units, lines, value);
    if (!mayShip || controls.length === 0) return [];
    const send = async (values: Values, key: string) => {
      await act(id, unitsIn(values, lines), key);
      await again();
    };
    return [form(fields(controls), submit, send)];
  };
  const unpacked = ({ quantity, fulfilled, cancelled }: Order['lines'][number]) => quantity - fulfilled - cancelled;
  const unshipped = ({ quantity, shipped, cancelled }: Order['lines'][number]) => quantity - shipped - cancelled;
  const pack = unitsForm(unpacked, 'all', 'Pack', office.pack);
  const cancel = unitsForm(unshipped, 'none', 'Cancel and refund', office.cancel);
  return card(
    'Parcels',
    element('p', {}, badge(fulfilmentStatus)),
    ...(parcels.length === 0
      ? [quiet('Nothing is packed.')]
      : [element('ul', { className: 'parts' }, ...parcels.map((each) => parcelItem(office, order, each, again)))]),
    ...pack.map((each) => folded('Pack a parcel', each)),
    ...cancel.map((each) => folded('Cancel what has not shipped', each)),
  );
}

function parcelItem(office: Office, order: Order, parcel: Parcel, again: () => Promise<void>): HTMLElement {
  const { carrier, trackingNumber, trackingUrl } = parcel;
  const tracking = [carrier, trackingNumber].filter(Boolean).join(' ');
  return element(
    'li',
    {},
    element('p', {}, badge(parcel.status), ` ${namesOf(parcel.lines, order.lines)}`),
    ...(trackingUrl === null
      ? tracking === ''
        ? []
        : [quiet(tracking)]
      : [element('p', {}, link(trackingUrl, tracking || trackingUrl))]),
    ...(order.archived ? [] : steps(office, order, parcel, again)),
  );
}

/** What may happen to a parcel next. */
function steps(office: Office, order: Order, { id, orderId, status }: Parcel, again: () => Promise<void>): Content[] {
  const path = { orderId, fulfilmentId: id };
  if (status === 'shipped') {
    const deliver = form([], 'It is delivered', async (_, key) => {
      await office.deliver(path, key);
      await again();
    });
    return [deliver];
  }
  if (status !== 'pending') return [];
  const ship = form(
    fields([
      { name: 'carrier', label: 'Carrier' },
      { name: 'trackingNumber', label: 'Tracking number' },
      { name: 'trackingUrl', label: 'Address where it is tracked', type: 'url' },
    ]),
    'It is shipped',
    async (values, key) => {
      const tracking = Object.entries(values).map(([name, value]) => [name, value.trim()]);
      await office.ship(path, Object.fromEntries(tracking.filter(([, value]) => value !== '')), key);
      await again();
    },
  );
  const unpack = form([], 'Unpack', async (_, key) => {
    await office.unpack(path, key);
    await again();
  });
  return [...(order.status === 'confirmed' ? [folded('Ship it', ship)] : []), folded('Unpack it', unpack)];
}
