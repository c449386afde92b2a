import type { PolicyRole } from '../../src/keys/provider.ts';
import type { Mechanism } from './protocol.ts';

type Flags = Readonly<Record<PolicyRole, readonly string[]>>;

const FLAGS: Readonly<Record<Mechanism, Flags>> = {
  'aes-gcm': {
    sealer: ['CKA_ENCRYPT=true', 'CKA_DECRYPT=true'],
    opener: ['CKA_DECRYPT=true'],
    'blind-rewrapper': ['none: AES-GCM cannot rewrap inside the token; use aes-kwp'],
    rotator: [],
  },
  'aes-kwp': {
    sealer: ['CKA_WRAP=true', 'CKA_UNWRAP=true'],
    opener: ['CKA_UNWRAP=true'],
    'blind-rewrapper': ['CKA_WRAP=true', 'CKA_UNWRAP=true', 'CKA_UNWRAP_TEMPLATE={CKA_SENSITIVE=true}'],
    rotator: [],
  },
  'rsa-oaep': {
    sealer: ['CKA_ENCRYPT=true (public key)', 'CKA_DECRYPT=true (private key)'],
    opener: ['CKA_DECRYPT=true (private key)'],
    'blind-rewrapper': ['CKA_WRAP=true (public key)', 'CKA_UNWRAP=true and CKA_DECRYPT=false (private key)'],
    rotator: [],
  },
};

const BLIND = [
  '# This keeps the rewrapper from reading data keys through Waxseal. Somebody who has the PIN and calls the token directly',
  '# can still wrap an unwrapped secret under a key of their own, unless the unwrap template also has',
  '# CKA_WRAP_WITH_TRUSTED=true and only the keys of this label are CKA_TRUSTED.',
];

/**
 * What a key of a token needs for a role. A token knows flags of keys and a login, not users: whoever has the PIN may use
 * all of its keys, so roles need keys or HSM users of their own.
 */
export function tokenPolicy(role: PolicyRole, mechanism: Mechanism): string {
  const always = ['CKA_SENSITIVE=true', 'CKA_EXTRACTABLE=false', 'CKA_PRIVATE=true'];
  const rotator = ['a login that may create token objects (CKU_USER, read-write session)'];
  const flags = FLAGS[mechanism][role];
  const note = role === 'blind-rewrapper' && mechanism !== 'aes-gcm' ? BLIND : [];
  return `${[...flags, ...(role === 'rotator' ? rotator : always), ...note].join('\n')}\n`;
}
