import { KEY_STATES, WRAP_ALGORITHM } from '../keys/provider.ts';
import { MAX_URI_BYTES, parseKeyUri } from '../keys/uri.ts';
import { assert } from './expect.ts';
import { binding, type Check, check, random, wrapCheck, wrapKnown } from './case.ts';

const MAX_WRAP_BYTES = 2048;
const MAX_VERSION_BYTES = 256;

/** What a provider says about itself, and the limits of what it hands out. */
export const declarationChecks: readonly Check[] = [
  wrapCheck('the key says who it is and what it can do', async ({ provider }) => {
    assert(parseKeyUri(provider.uri).uri === provider.uri, 'the URI does not parse');
    assert(provider.algorithms.length > 0, 'algorithms is empty');
    const known: readonly number[] = Object.values(WRAP_ALGORITHM);
    for (const algorithm of provider.algorithms) {
      assert(known.includes(algorithm), `algorithm ${String(algorithm)} is not in WRAP_ALGORITHM`);
    }
    assert(typeof provider.bindsContext === 'boolean', 'bindsContext must be true or false');
    assert(typeof provider.symmetric === 'boolean', 'symmetric must be true or false');
    assert([true, false, undefined].includes(provider.canUnwrap), 'canUnwrap must be true, false or absent');
    if (provider.canUnwrap === false) {
      assert(!provider.symmetric, 'a key that cannot unwrap is a public key: symmetric must be false');
      assert(
        provider.wrapRecomputed !== undefined,
        'a key that cannot unwrap needs wrapRecomputed: nothing else proves its wraps',
      );
    }
    return Promise.resolve(undefined);
  }),
  wrapCheck('wraps name this key and stay within the limits of the format', async ({ provider }) => {
    assert(Buffer.byteLength(provider.uri) <= MAX_URI_BYTES, `the URI is over ${String(MAX_URI_BYTES)} bytes`);
    for (const length of [16, 32, 64]) {
      const { uri, version, algorithm, wrap } = await provider.wrap(random(length), binding());
      assert(uri === provider.uri, `the wrap names ${uri} instead of ${provider.uri}`);
      assert(
        provider.algorithms.includes(algorithm),
        `the wrap names algorithm ${String(algorithm)}, which is not declared`,
      );
      assert(wrap instanceof Uint8Array && wrap.length > 0, 'the wrap is empty');
      assert(wrap.length <= MAX_WRAP_BYTES, `the wrap is over ${String(MAX_WRAP_BYTES)} bytes`);
      const versionBytes = Buffer.byteLength(version);
      assert(
        versionBytes <= MAX_VERSION_BYTES && (versionBytes > 0 || provider.canUnwrap !== false),
        `the version must have 1 to ${String(MAX_VERSION_BYTES)} bytes (none only where an unwrap tells it)`,
      );
    }
    return undefined;
  }),
  check('the version that unwrap reports is the one that wrap recorded', async ({ provider }) => {
    const bind = binding();
    const wrapped = await provider.wrap(random(32), bind);
    const { version } = await provider.unwrap(wrapped, bind);
    const bytes = Buffer.byteLength(version);
    assert(bytes > 0 && bytes <= MAX_VERSION_BYTES, `unwrap reported a version of ${String(bytes)} bytes`);
    if (wrapped.version === '') return undefined;
    assert(version === wrapped.version, `wrap recorded version ${wrapped.version}, unwrap reported ${version}`);
    return undefined;
  }),
  wrapCheck('describe tells the version that wraps', async ({ provider }) => {
    if (provider.describe === undefined) return 'describe is not declared';
    const described = await provider.describe();
    assert(described.uri === provider.uri, `describe speaks of ${described.uri}`);
    const { version } = await wrapKnown(provider, random(32), binding());
    assert(
      described.currentVersion === version,
      `describe says ${String(described.currentVersion)}, wrap used ${version}`,
    );
    const entry = described.versions.find((candidate) => candidate.version === version);
    assert(entry?.state === 'active', 'the current version must be listed as active');
    const versions = described.versions.map((candidate) => candidate.version);
    assert(new Set(versions).size === versions.length, 'describe lists a version twice');
    for (const { state, label, created } of described.versions) {
      assert(KEY_STATES.includes(state), `"${state}" is no key state`);
      assert(label.length > 0, 'a version has an empty label');
      assert(created === undefined || !Number.isNaN(created.getTime()), 'created is not a date');
    }
    assert(['software', 'hsm', 'external'].includes(described.protectionLevel), 'protectionLevel is unknown');
    return undefined;
  }),
];
