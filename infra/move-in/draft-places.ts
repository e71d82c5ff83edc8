import { looks } from './columns.ts';

/** What a mapping names, what its column may be called, best first, and what must be in it. Names are words, see `wordsOf`. */
export type Wanted = {
  place: string;
  names: string[];
  fits?: (values: readonly string[]) => boolean;
  needed?: boolean;
};

const wanted = (place: string, names: string[], { fits, needed }: Pick<Wanted, 'fits' | 'needed'> = {}): Wanted => ({
  place,
  names,
  ...(fits && { fits }),
  ...(needed && { needed }),
});

export const productPlaces: Wanted[] = [
  wanted('id', ['(product |item |article )?(id|no|nr|number)', 'handle'], { fits: looks.distinct }),
  wanted('sku', ['(product |variant )?sku', '(article|item|product|artikel) ?(sku|code|number|nummer|no|nr)', 'ean'], {
    fits: looks.distinct,
  }),
  wanted('name', ['(product |item )?(name|title)', 'bezeichnung', 'titel', 'nom'], { needed: true }),
  wanted('description', ['(product )?(long |short )?description', 'body( html)?', 'beschreibung']),
  wanted(
    'price',
    [
      '(product |variant )?(sale |selling |regular |unit |net )?price',
      'preis',
      'prix',
      'amount',
      '(product |variant )?price .*',
    ],
    {
      fits: looks.amount,
      needed: true,
    },
  ),
  wanted('currency', ['currency( code)?', 'waehrung|wahrung'], { fits: looks.currency }),
  wanted('taxClass', ['tax (class|category|rate name)', 'steuerklasse']),
  wanted('weight', ['(product |variant )?weight( kg| g)?', 'gewicht'], { fits: looks.amount }),
  wanted(
    'stock',
    [
      '(stock|inventory|quantity|qty|on hand|bestand)',
      '(product |variant )?(stock|inventory) (quantity|qty|level)',
      'quantity in stock',
    ],
    {
      fits: looks.whole,
    },
  ),
  wanted('published', ['(is )?(published|active|visible|enabled)', '(product )?status', 'aktiv']),
  wanted('categories', ['categor(y|ies)( path)?', 'collection', '(product )?type', 'kategorie']),
  wanted('brand', ['brands?', 'manufacturer', 'vendor', 'marke', 'hersteller']),
];

export const customerPlaces: Wanted[] = [
  wanted('id', ['(customer |user )?(id|no|nr|number)', 'kunden ?(nr|nummer|id)'], { fits: looks.distinct }),
  wanted('email', ['(user |customer |contact )?e ?mail( address)?'], { fits: looks.email, needed: true }),
  wanted('firstName', ['(contact )?(first|given|vor) ?name', '(full |customer |contact )?name']),
  wanted('lastName', ['(contact )?(last|family|sur|nach) ?name']),
  wanted('passwordHash', ['(user )?pass(word)?( ?hash)?', 'encrypted password', 'digest'], { fits: looks.hash }),
  wanted(
    'registered',
    [
      '(user |date |account )?(registered|created|signed up|since|joined)( at| on| date| gmt)?',
      '(signup|registration|creation|join)( date)?',
      'created.*',
    ],
    {
      fits: looks.time,
      needed: true,
    },
  ),
];

export const orderPlaces: Wanted[] = [
  wanted('id', ['(order )?id', '(order )?(no|nr|number|reference)'], { fits: looks.distinct }),
  wanted('number', ['(order )?(no|nr|number)', '(order )?(reference|name|increment id)', 'display id'], {
    fits: looks.distinct,
  }),
  wanted('status', ['(order )?(status|state)', 'bestellstatus'], { needed: true }),
  wanted('currency', ['(order )?currency( code)?', 'waehrung|wahrung'], { fits: looks.currency }),
  wanted(
    'date',
    [
      '(order )?(date|placed|ordered|created)( at| on| time| gmt)?',
      '(date|time) (placed|created|ordered)( gmt)?',
      'bestelldatum',
    ],
    {
      fits: looks.time,
      needed: true,
    },
  ),
  wanted('changed', ['(date )?(completed|modified|updated|changed|shipped)( at| on| date| gmt)?'], {
    fits: looks.time,
  }),
  wanted('customerId', ['(customer|user|client)( ?(id|no|nr|number))?', 'kunden ?(nr|nummer|id)']),
  wanted('email', ['(customer |billing |user |contact )?e ?mail( address)?'], { fits: looks.email }),
  wanted('phone', ['(customer |billing )?(tele)?phone( number)?', 'telefon']),
  wanted('total', ['(order |grand )?total', '(total|order) (amount|paid|price|sum)', 'amount', 'gesamt.*', 'sum'], {
    fits: looks.amount,
    needed: true,
  }),
  wanted(
    'shipping',
    ['shipping( total| cost| price| amount)?', '(freight|delivery|postage)( total| cost| fee)?', 'versandkosten'],
    {
      fits: looks.amount,
    },
  ),
  wanted('shippingTax', ['shipping tax( total| amount)?'], { fits: looks.amount }),
  wanted('tax', ['(total )?tax(es)?( total| amount)?', 'vat( amount)?', 'mwst'], { fits: looks.amount }),
  wanted('discount', ['(total )?discount( total| amount)?', 'rabatt'], { fits: looks.amount }),
  wanted('subtotal', ['sub ?total( after discount)?'], { fits: looks.amount }),
  wanted('refunded', ['(total |amount )?refund(ed|s)?( total| amount)?', 'erstattet'], { fits: looks.amount }),
  wanted('shippingMethod', ['(shipping|delivery) (method|carrier|option)', 'versandart']),
  wanted('coupon', ['(coupon|discount|voucher|promo)( codes?)?', 'gutschein']),
  wanted('paymentMethod', ['payment( method| type| gateway)?', 'zahlungsart']),
  wanted('note', ['(customer |order )?(note|notes|message|comment|remarks?)']),
];

export const linePlaces: Wanted[] = [
  wanted('sku', ['(product |item |variant )?sku', '(article|item|artikel) ?(code|number|nummer|no)']),
  wanted('productId', ['(product|item) id']),
  wanted('name', ['(product |item )?(name|title)', 'description', 'bezeichnung'], { needed: true }),
  wanted('quantity', ['quantity|qty|count|menge|anzahl'], { fits: looks.whole, needed: true }),
  wanted('price', ['(unit |item |net )?price', 'unit amount', 'preis'], { fits: looks.amount }),
  wanted('subtotal', ['sub ?total'], { fits: looks.amount }),
  wanted('total', ['(line |row )?total', '(line )?amount', 'sum'], { fits: looks.amount }),
  wanted('discount', ['(line )?discount( amount| total)?'], { fits: looks.amount }),
  wanted('tax', ['(total |line )?tax( amount| total)?', 'vat'], { fits: looks.amount }),
];

export const couponPlaces: Wanted[] = [
  wanted('code', ['(coupon |promo )?code', 'name'], { needed: true }),
  wanted('type', ['(discount |value )?(type|kind)'], { needed: true }),
  wanted('amount', ['(discount )?(amount|value|percent(age)?)'], { fits: looks.amount, needed: true }),
  wanted('from', ['(starts?|valid from|begins?)( at| date| on)?'], { fits: looks.time }),
  wanted('to', ['(ends?|expires?|expiry|valid (to|until)|date expires)( at| date| on)?'], { fits: looks.time }),
  wanted('limit', ['(usage |use )?limit', 'max uses'], { fits: looks.whole }),
  wanted('used', ['(times |usage )?(used|count|uses)'], { fits: looks.whole }),
];
