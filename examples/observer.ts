// Observer and guard: told of every key use before it happens; throwing vetoes it.
import { createLocalKeyring, isWaxsealError, type Observe, open, seal } from 'waxseal';
import './support/temporary-folder.ts';

const ring = await createLocalKeyring('keyring', { keyFile: 'keyring.key' });
await ring.create('default');
const key = ring.key('default');

const observe: Observe = (event) => {
  console.log(event.type, event.keyUri ?? '', event.objectId ?? '');
  if (event.type === 'seal.intent' && event.context?.['class'] === undefined) {
    throw new RangeError('every object must name its data class');
  }
};

const sealed = await seal(new Uint8Array(10), key, { observe, context: { class: 'internal' } });
await open(sealed, key, { observe });
try {
  await seal(new Uint8Array(10), key, { observe });
} catch (error) {
  if (!isWaxsealError(error, 'ERR_VETOED')) throw error;
  console.log('vetoed:', error.message);
}
ring.close();
