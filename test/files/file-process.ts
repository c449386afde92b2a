/** Run by the tests of files: holds a lock, writes a target, or leaves a temporary file, in a process of its own. */
import { once } from 'node:events';
import { openAtomicOutput, withFolderLock } from '../../src/files/index.ts';
import { atomicWrite } from '../support/atomic-write.ts';
import { isWaxsealError } from '../../src/errors/index.ts';

const [what, path = '', rounds = '0'] = process.argv.slice(2);
const say = (line: unknown): void => {
  process.stdout.write(`${JSON.stringify(line)}\n`);
};
const forEver = (): Promise<never> => new Promise(() => setInterval(() => undefined, 1000));

if (what === 'lock') {
  await withFolderLock(path, {}, async () => {
    say('locked');
    await forEver();
  });
} else if (what === 'leave') {
  await openAtomicOutput(path, { overwrite: true });
  say('left');
  await forEver();
} else {
  // Writes PATH-0, PATH-1, ... as fast as it can; whoever starts it lets all of them begin at the same moment.
  say('ready');
  await once(process.stdin, 'data');
  const mine = new TextEncoder().encode(`${String(process.pid)}\n`.repeat(2000));
  for (let i = 0; i < Number(rounds); i += 1) {
    try {
      await atomicWrite(`${path}-${String(i)}`, mine, { overwrite: false });
      say(i);
    } catch (error) {
      if (!isWaxsealError(error, 'ERR_OUTPUT_EXISTS')) throw error;
    }
  }
  process.exit();
}
