// Several keys for one object: a second team, and an escrow key whose private half lies in a safe.
import { writeFile } from 'node:fs/promises';
import { addRecipient, createLocalKeyring, openObject, removeRecipient, sealFile, x25519Recipient } from 'waxseal';
import './support/temporary-folder.ts';

// On a machine without a network: a key pair. Only its public key leaves.
const safe = await createLocalKeyring('safe', { keyFile: 'safe.key' });
const escrow = await safe.createX25519('escrow');

// Where data is sealed there is the public key only: it can seal, and it cannot open.
const ring = await createLocalKeyring('keyring', { keyFile: 'keyring.key' });
for (const name of ['default', 'research']) await ring.create(name);
const key = ring.key('default');
await writeFile('data.parquet', new Uint8Array(10_000));
const { recipients } = await sealFile('data.parquet', 'data.wax', [key, x25519Recipient(escrow.uri)]);
console.log('sealed to', recipients.length, 'keys');

await addRecipient('data.wax', key, ring.key('research'));
await removeRecipient('data.wax', key, 'local:default');
const byResearch = await openObject('data.wax', ring.key('research'));
console.log('opened by', byResearch.info.openedBy.uri);
await byResearch.close();

// The disaster: the keyring is gone. A wrap to a public key says nothing about who made it.
const byEscrow = await openObject('data.wax', await safe.keys());
console.log('opened by escrow, symmetric wrap:', byEscrow.info.openedBy.symmetricWrap);
await byEscrow.close();
await openObject('data.wax', await safe.keys(), { requireSymmetricWrap: true }).catch((error: unknown) => {
  console.log('refused:', String(error).split(',')[0]);
});

ring.close();
safe.close();
