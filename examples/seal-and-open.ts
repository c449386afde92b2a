// Hello world: seal bytes to a key of a local keyring, and open them again.
import { createLocalKeyring, open, seal } from 'waxseal';
import './support/temporary-folder.ts';

const ring = await createLocalKeyring('keyring', { keyFile: 'keyring.key' });
await ring.create('default');
const key = ring.key('default');

const sealed = await seal(new TextEncoder().encode('weights'), key);
const plaintext = await open(sealed, key);
console.log(new TextDecoder().decode(plaintext), 'in', sealed.length, 'sealed bytes');
ring.close();
