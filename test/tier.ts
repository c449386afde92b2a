/**
 * How much the tests do. `short` runs on every change, `full` before a release, `long` by night; set by
 * WAXSEAL_TEST_TIER.
 */
export type Tier = 'short' | 'full' | 'long';

export const tier: Tier = tierOf(process.env.WAXSEAL_TEST_TIER);

/** One of three sizes of a test. */
export function scaled<T>(short: T, full: T, long: T): T {
  return { short, full, long }[tier];
}

function tierOf(name: string | undefined): Tier {
  if (name === undefined || name === '') return 'short';
  if (name === 'short' || name === 'full' || name === 'long') return name;
  throw new Error(`WAXSEAL_TEST_TIER is short, full or long, not ${name}`);
}
