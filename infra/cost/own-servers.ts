/** What a way to run databases costs a year, item by item, in one currency. */
export type Ways = { currency: string; own: Record<string, number>; cloud: Record<string, number> };

/** What moving to the cloud saves a year: the amount, and its share of what own servers cost. */
export function saving({ own, cloud }: Ways): { own: number; cloud: number; saved: number; share: number } {
  const total = (items: Record<string, number>) => Object.values(items).reduce((sum, each) => sum + each, 0);
  const [before, after] = [total(own), total(cloud)];
  return { own: before, cloud: after, saved: before - after, share: (before - after) / before };
}

/**
 * Two published comparisons, in Indian rupees: a manufacturer with 500 GB and 50 users who moves to a managed SQL database, and
 * a company with two administrators of databases that changes to managed services and automation.
 */
export const published = {
  manufacturer: {
    currency: 'INR',
    own: { hardware: 500_000, licence: 350_000, maintenance: 200_000, 'backup storage': 50_000 },
    cloud: { database: 420_000, 'backup storage': 30_000 },
  },
  company: {
    currency: 'INR',
    own: { hardware: 800_000, licences: 1_200_000, people: 2_400_000, downtime: 500_000 },
    cloud: { database: 1_500_000, 'tools and training': 300_000, people: 600_000, downtime: 50_000 },
  },
} as const satisfies Record<string, Ways>;
