/**
 * Benchmarks: `npm run bench` (1 GiB, all segment lengths), `npm run bench -- --short`. Machines are noisy: compare the
 * ratios within one run, never figures of two runs.
 */
import { parseArgs } from 'node:util';
import { measureRewrap } from './in-place.ts';
import { hasAwsEncryptionSdk, INSTALL_PEERS } from './peers/peers.ts';
import { measureRanges, RANGE_BYTES } from './ranges.ts';
import { describeSmallObjects, measureSmallObjects } from './small-objects.ts';
import { measureThroughput } from './throughput.ts';

const { values } = parseArgs({ options: { short: { type: 'boolean', default: false } } });
const bytes = values.short ? 128 * 2 ** 20 : 2 ** 30;
const lengths = values.short ? [256 * 1024] : [64 * 1024, 256 * 1024, 1024 * 1024, 4 * 1024 * 1024];

console.log(`Node ${process.versions.node}, one thread, ${bytes / 2 ** 20} MiB in memory; ratio to the raw loop`);
for (const length of lengths) {
  console.log(`\nsegments of ${length / 1024} KiB`);
  for (const { name, gigabytesPerSecond, ratio } of await measureThroughput(bytes, length, values.short ? 3 : 5)) {
    console.log(`  ${name.padEnd(26)} ${gigabytesPerSecond.toFixed(2).padStart(6)} GB/s   ${ratio.toFixed(2)} x`);
  }
}

const { smallMs, largeMs, ratio } = await measureRewrap(values.short ? 10 : 40);
console.log('\nrewrap in place, durable (median)');
console.log(`  4 KiB object   ${smallMs.toFixed(2)} ms`);
console.log(`  64 GiB object  ${largeMs.toFixed(2)} ms   ${ratio.toFixed(2)} x`);

console.log(`\n${RANGE_BYTES} bytes at random places of a file of ${bytes / 2 ** 20} MiB, warm; no segment cached`);
for (const length of [64 * 1024, 256 * 1024]) {
  const { p50Ms, p99Ms, readsPerSecond } = await measureRanges(bytes, length, values.short ? 500 : 2000);
  const rate = `64 readers of one object ${readsPerSecond.toFixed(0)} /s`;
  console.log(`  segments of ${length / 1024} KiB   p50 ${p50Ms.toFixed(3)} ms   p99 ${p99Ms.toFixed(3)} ms   ${rate}`);
}

console.log('');
for (const line of describeSmallObjects(await measureSmallObjects(values.short ? 5 : 15))) console.log(line);
if (!hasAwsEncryptionSdk()) console.log(`  the AWS Encryption SDK is not here to compare with: ${INSTALL_PEERS}`);
