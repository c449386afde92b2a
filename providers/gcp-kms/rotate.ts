import { setTimeout as pause } from 'node:timers/promises';
import { isWaxsealError, WaxsealError } from '../../src/errors/index.ts';
import type { CallOptions } from '../../src/keys/provider.ts';
import type { KmsCalls } from './calls.ts';
import { versionOf } from './name.ts';

const POLL_MS = 500;

/**
 * Makes a new version and then the primary one of it. The first step is never repeated: a version too many costs money and
 * cannot be taken back for a day.
 */
export async function makePrimary(calls: KmsCalls, timeoutMs: number, options: CallOptions): Promise<string> {
  let made = await calls.send(
    'CreateCryptoKeyVersion',
    { ...options, once: true },
    (client, request) => client.createCryptoKeyVersion({ parent: calls.key, cryptoKeyVersion: {} }, request),
    (answer) => answer,
  );
  const version = versionOf(made.name, calls.key);
  if (version === undefined) throw calls.malformed(`it speaks of the version ${String(made.name)}`);
  try {
    const until = performance.now() + timeoutMs;
    while (made.state !== 'ENABLED') {
      if (performance.now() > until) throw notReady(calls.uri, version);
      await pause(POLL_MS, undefined, { signal: options.signal });
      made = await calls.send(
        'GetCryptoKeyVersion',
        options,
        (client, request) => client.getCryptoKeyVersion({ name: `${calls.key}/cryptoKeyVersions/${version}` }, request),
        (answer) => answer,
      );
    }
    await calls.send(
      'UpdateCryptoKeyPrimaryVersion',
      options,
      (client, request) =>
        client.updateCryptoKeyPrimaryVersion({ name: calls.key, cryptoKeyVersionId: version }, request),
      ({ primary }) => {
        if (versionOf(primary?.name, calls.key) !== version) {
          throw calls.malformed(`the primary version is ${String(primary?.name)}`);
        }
      },
    );
    return version;
  } catch (error) {
    options.signal?.throwIfAborted();
    if (!isWaxsealError(error)) throw error;
    const message = `version ${version} of ${calls.uri} was made, but it is not the primary one yet: ${error.message}`;
    const next = `do not rotate again: gcloud kms keys set-primary-version makes version ${version} the primary one. ${error.next}`;
    throw new WaxsealError(error.code, message, { object: calls.uri, next, retryable: false, cause: error });
  }
}

function notReady(uri: string, version: string): WaxsealError {
  return new WaxsealError('ERR_PROVIDER_UNAVAILABLE', `version ${version} is not enabled in time`, { object: uri });
}
