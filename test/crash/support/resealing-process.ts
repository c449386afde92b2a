/** Reseals an object again and again until it is killed: `node resealing-process.ts WORLD PATH`. */
import { isWaxsealError } from '../../../src/errors/index.ts';
import { reseal } from '../../../src/envelope/index.ts';
import { openRing, places } from './operations.ts';

const [world = '', path = ''] = process.argv.slice(2);
const ring = await openRing(places(world));
const keys = [ring.key('default'), ring.key('recovery')];
for (;;) {
  try {
    await reseal(path, keys);
  } catch (error) {
    // The other process was faster: what it left stays, and this one begins again.
    if (!isWaxsealError(error, 'ERR_INPUT_CHANGED') && !isWaxsealError(error, 'ERR_BUSY')) throw error;
  }
  process.stdout.write('.');
}
