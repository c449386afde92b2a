/**
 * One of several processes that change the same objects and keyring at the same time. It takes orders on standard input,
 * one JSON line each, and answers each with one JSON line.
 */
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { isWaxsealError } from '../../../src/errors/index.ts';
import { openObjectFile } from '../../../src/envelope/rewrap/object-file.ts';
import { renewRecipients } from '../../../src/envelope/rewrap/renew.ts';
import { unlocked } from '../../../src/envelope/rewrap/change.ts';
import { updateObject } from '../../../src/envelope/rewrap/update-object.ts';
import { addRecipient, openObject, removeRecipient, rewrap } from '../../../src/envelope/index.ts';
import { openLocalKeyring } from '../../../src/keys/local/index.ts';

export type Order =
  | { readonly do: 'add' | 'remove'; readonly object: string; readonly key: string }
  /** For so many milliseconds, again and again. */
  | {
      readonly do: 'rewrap' | 'rewrap without lock' | 'open' | 'rotate';
      readonly object: string;
      readonly key: string;
      readonly forMs: number;
    };

export interface Answer {
  /** How often it was done. */
  readonly done: number;
  /** How often it was refused because another writer was at work. */
  readonly busy: number;
  readonly errors: readonly string[];
}

const [folder = '', keyFile = ''] = process.argv.slice(2);
const ring = await openLocalKeyring(folder, { keyFile });

async function once(order: Order): Promise<void> {
  const { object, key: name } = order;
  const key = ring.key(name);
  switch (order.do) {
    case 'add':
      await addRecipient(object, ring.key('default'), key);
      return;
    case 'remove':
      await removeRecipient(object, ring.key('default'), key.uri);
      return;
    case 'open': {
      const opened = await openObject(object, key);
      try {
        await opened.read(0);
      } finally {
        await opened.close();
      }
      return;
    }
    case 'rotate':
      await ring.rotate(name);
      await sleep(5 + 20 * Math.random());
      return;
    case 'rewrap':
      // Now to whatever version is current, now to itself, so that there is always something to write.
      await (Math.random() < 0.5 ? rewrap(object, key) : rewrap(object, key, { from: key.uri, to: key }));
      return;
    case 'rewrap without lock': {
      const file = await openObjectFile(object, false);
      try {
        const replace = { from: key.uri, to: key };
        await updateObject(
          file,
          [key],
          unlocked(async (current) => (await renewRecipients(current, [key], {}, replace)).after),
          {},
        );
      } finally {
        await file.close();
      }
    }
  }
}

async function obey(order: Order): Promise<Answer> {
  let [done, busy] = [0, 0];
  const errors: string[] = [];
  const until = performance.now() + ('forMs' in order ? order.forMs : 0);
  do {
    try {
      await once(order);
      done += 1;
    } catch (error) {
      if (isWaxsealError(error, 'ERR_BUSY')) busy += 1;
      else errors.push(error instanceof Error ? (error.stack ?? error.message) : String(error));
    }
  } while (performance.now() < until && errors.length < 10);
  return { done, busy, errors };
}

process.stdout.write('"ready"\n');
for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(await obey(JSON.parse(line) as Order))}\n`);
}
ring.close();
