/** Memory stays flat in every layout and for every verb that touches a payload: peak of a process of its own. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../support/folder.ts';
import { makeLargeFile, peakOf, sha256File } from '../support/large-files.ts';
import { scaled } from '../tier.ts';

const SIZE = scaled(128, 1024, 4096) * 2 ** 20;
const LIMIT_MIB = 200;
/** Four verbs at once in one process. */
const STREAMS_LIMIT_MIB = 240;

it.each(scaled(['detached'], ['compact', 'detached'], ['compact', 'detached']))(
  '%s: seal, rewrap, reseal, convert and open of a large file stay under 200 MiB',
  async (layout) => {
    const folder = await temporaryFolder();
    const digest = await makeLargeFile(join(folder, 'model'), SIZE);
    const peak = await peakOf(
      `const ring = await createLocalKeyring('ring', { keyFile: 'key' });
       await ring.create('default');
       const key = ring.key('default');
       await sealFile('model', 'model.wax', key, { layout: '${layout}' });
       await ring.rotate('default');
       await waxseal.rewrap('model.wax', key);
       await waxseal.reseal('model.wax', key);
       await waxseal.convertFile('model.wax', 'attached');
       await openFile('model.wax', 'copy', key);`,
      folder,
    );
    console.log(`${layout}: peak RSS ${peak.toFixed(0)} MiB`);
    expect(peak).toBeLessThan(LIMIT_MIB);
    expect(await sha256File(join(folder, 'copy'))).toBe(digest);
    await rm(folder, { recursive: true });
  },
);

it.each(['attached', 'compact', 'detached'] as const)(
  `%s: streams through four verbs at once stay under ${String(STREAMS_LIMIT_MIB)} MiB`,
  async (layout) => {
    const folder = await temporaryFolder();
    const peak = await peakOf(
      `const { createHash } = await import('node:crypto');
     const ring = await createLocalKeyring('ring', { keyFile: 'key' });
     await ring.create('default');
     const key = ring.key('default');
     const digests = [createHash('sha256'), createHash('sha256')];
     async function* plaintext() {
       for (let i = 0; i < ${String(SIZE / 2 ** 20)}; i += 1) {
         const chunk = new Uint8Array(2 ** 20).fill(i);
         digests[0].update(chunk);
         yield chunk;
       }
     }
     const sealed = await waxseal.seal(plaintext(), key, { layout: '${layout}' });
     const again = await waxseal.reseal(sealed, key);
     const converted = await waxseal.convert(again, 'attached');
     for await (const chunk of await waxseal.open(converted, key)) digests[1].update(chunk);
     const [before, after] = digests.map((digest) => digest.digest('hex'));
     if (before !== after) throw new Error('other plaintext');`,
      folder,
    );
    console.log(`${layout}: peak RSS ${peak.toFixed(0)} MiB`);
    expect(peak).toBeLessThan(STREAMS_LIMIT_MIB);
  },
);
