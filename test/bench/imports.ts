/** What importing costs: `npm run bench:import`. Each in processes of its own; the median, and the ratio to the core. */
import { buildIfStale } from '../build.ts';
import { built, importCost, type ImportCost } from './loaded-packages.ts';

const ROUNDS = process.argv.includes('--short') ? 3 : 9;
const AWS = `await m.awsKms({ key: 'arn:aws:kms:us-east-1:123456789012:key/00000000-0000-4000-8000-000000000000' });`;
const GCP = `await m.gcpKms({ key: 'projects/p/locations/global/keyRings/r/cryptoKeys/k' });`;

const CASES: readonly (readonly [string, string, string?])[] = [
  ['waxseal', built('src/index.js')],
  ['waxseal/aws-kms', built('providers/aws-kms/index.js')],
  ['  and a key (loads the SDK)', built('providers/aws-kms/index.js'), AWS],
  ['  @aws-sdk/client-kms alone', '@aws-sdk/client-kms'],
  ['waxseal/gcp-kms', built('providers/gcp-kms/index.js')],
  ['  and a key (loads the SDK)', built('providers/gcp-kms/index.js'), GCP],
  ['waxseal/vault-transit', built('providers/vault-transit/index.js')],
  ['waxseal/pkcs11', built('providers/pkcs11/index.js')],
];

buildIfStale();
const costs = CASES.map(([name, entry, then]) => {
  const rounds = Array.from({ length: ROUNDS }, () => importCost(entry, then)).sort((a, b) => a.ms - b.ms);
  return [name, rounds[Math.floor(ROUNDS / 2)]] as const;
});
const core = costs[0]?.[1]?.ms ?? Number.NaN;
console.log(`Node ${process.versions.node}, median of ${String(ROUNDS)} fresh processes\n`);
for (const [name, cost] of costs) if (cost !== undefined) console.log(line(name, cost));

function line(name: string, { ms, modules, packages }: ImportCost): string {
  const loaded = packages.length > 4 ? `${String(packages.length)} packages` : packages.join(', ');
  const figures = `${ms.toFixed(1).padStart(7)} ms  ${(ms / core).toFixed(2).padStart(5)} x  ${String(modules).padStart(4)} modules`;
  return `${name.padEnd(30)}${figures}  ${loaded}`;
}
