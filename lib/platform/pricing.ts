import type { Pricing } from '../shop/pricing/basket.ts';
import { taxByTable } from '../shop/pricing/tax.ts';
import { config } from './config.ts';

/** How the shop prices. A tax service would take the place of `taxByTable` here. */
export const pricing = (): Pricing => {
  const { TAX, SHIPPING_METHOD } = config();
  return {
    tax: TAX === 'none' ? null : { provider: taxByTable, included: TAX === 'included' },
    shippingRequired: SHIPPING_METHOD === 'required',
  };
};
