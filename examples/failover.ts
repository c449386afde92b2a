// A primary that is down: the second key opens, the primary is told, and is tried first again when it is back.
import { createLocalKeyring, failover, type KeyProvider, openObject, seal, WaxsealError } from 'waxseal';
import './support/temporary-folder.ts';

const ring = await createLocalKeyring('keyring', { keyFile: 'keyring.key' });
for (const name of ['primary', 'recovery']) await ring.create(name);
const [primary, recovery] = [ring.key('primary'), ring.key('recovery')];
const sealed = await seal(new Uint8Array(1_000), [primary, recovery]);

// Stands for a key in another cloud: what it does is switched by hand.
let isDown = true;
const remote: KeyProvider = {
  uri: primary.uri,
  algorithms: primary.algorithms,
  bindsContext: true,
  symmetric: true,
  wrap: primary.wrap.bind(primary),
  unwrap: (wrapped, binding, options) =>
    isDown
      ? Promise.reject(new WaxsealError('ERR_PROVIDER_UNAVAILABLE', 'the region is down', { object: primary.uri }))
      : primary.unwrap(wrapped, binding, options),
};

// Made once, used for all objects: it remembers.
const keys = failover([remote, recovery], { slowMs: 1_000, recoverMs: 100 });
for (const state of ['down', 'still down', 'back']) {
  if (state === 'back') {
    isDown = false;
    await new Promise((resolve) => setTimeout(resolve, 150));
  }
  const object = await openObject(sealed, keys);
  const { uri, failed } = object.info.openedBy;
  console.log(`${state}: opened by ${uri}${failed.map(({ code }) => `, primary ${code}`).join('')}`);
  await object.close();
}
ring.close();
