import { facts } from './facts.ts';

/** The key, its keyring or its provider. Exit code 4. */
export const KEY = facts({
  ERR_NO_MATCHING_KEY: {
    exit: 4,
    retryable: false,
    meaning: 'none of the keys at hand is a recipient of the object',
    next: 'inspect shows which keys it needs; name one with -k, or use the home that holds it',
  },
  ERR_KEY_NOT_FOUND: {
    exit: 4,
    retryable: false,
    meaning: 'the key or the key version does not exist',
    next: 'see what exists with key list; restore the keyring from its backup if a version is missing',
  },
  ERR_KEY_DENIED: {
    exit: 4,
    retryable: false,
    meaning: 'the key may not be used by this caller',
    next: 'ask the owner of the key for the permission that is named',
  },
  ERR_KEY_DISABLED: {
    exit: 4,
    retryable: false,
    meaning: 'the state of the key version forbids this use',
    next: 'see the state with key show; enable the version again if that was a mistake',
  },
  ERR_KEYRING_NOT_FOUND: {
    exit: 4,
    retryable: false,
    meaning: 'there is no keyring in the home folder',
    next: 'run waxseal init, or name the right home with --home',
  },
  ERR_KEYRING_PERMISSIONS: {
    exit: 4,
    retryable: false,
    meaning: 'others can read or change the keyring, so it is refused',
    next: 'take the permissions away with the chmod that the message names; if others had access, rotate the keys and seal anew',
  },
  ERR_KEYRING_DAMAGED: {
    exit: 4,
    retryable: false,
    meaning: 'a file of the keyring is damaged',
    next: 'restore the keyring from its backup: waxseal key restore FILE',
  },
  ERR_WRONG_PASSPHRASE: {
    exit: 4,
    retryable: false,
    meaning: 'the passphrase or key file does not unlock the keyring',
    next: 'try again; nobody can recover a lost passphrase, but a backup may have another one',
  },
  ERR_INVALID_KEY_URI: {
    exit: 4,
    retryable: false,
    meaning: 'the key URI cannot be used',
    next: 'see the forms in the README; a local key is local:NAME',
  },
  ERR_PROVIDER_UNAVAILABLE: {
    exit: 4,
    retryable: true,
    meaning: 'the key provider cannot be reached',
    next: 'check network and endpoint, then run the command again',
  },
  ERR_PROVIDER_THROTTLED: {
    exit: 4,
    retryable: true,
    meaning: 'the key provider refuses more requests for now',
    next: 'run the command again later; set a rate budget (requestsPerSecond), or have the quota raised',
  },
  ERR_PROVIDER_CREDENTIALS: {
    exit: 4,
    retryable: false,
    meaning: 'there are no valid credentials for the key provider',
    next: 'log in, or give the credentials that the message names',
  },
  ERR_PROVIDER_MISSING: {
    exit: 4,
    retryable: false,
    meaning: 'the package or library of the key provider is not installed',
    next: 'install what the message names',
  },
  ERR_PROVIDER_RESPONSE: {
    exit: 4,
    retryable: false,
    meaning: 'the key provider answered with something that breaks its contract',
    next: 'nothing was written; check the endpoint and report the answer to the operator of the provider',
  },
  ERR_PROVIDER_UNSUPPORTED: {
    exit: 4,
    retryable: false,
    meaning: 'the key provider cannot do that',
    next: 'see the capability table in providers/README.md',
  },
  ERR_VETOED: {
    exit: 4,
    retryable: false,
    meaning: 'a guard refused the operation before the key was used',
    next: 'read the cause: it is the rule that refused',
  },
});
