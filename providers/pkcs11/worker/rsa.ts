import { idOf, integer } from './attributes.ts';
import { Failure } from './failure.ts';
import type { GrapheneObject } from './graphene.ts';

/** Modulus and exponent of an RSA key, big-endian, without leading zeros. */
export interface RsaPublic {
  readonly modulus: Uint8Array;
  readonly exponent: Uint8Array;
}

/** 65537: what is taken where the private half does not tell its exponent. */
const F4 = Uint8Array.of(1, 0, 1);

/**
 * The public half of a private key, as the private object tells it. A public object is not believed: anybody who reaches
 * the token may put one there without the PIN.
 */
export function rsaOf(id: string, secret: GrapheneObject, publics: readonly GrapheneObject[]): RsaPublic {
  const modulus = integer(secret, 'modulus');
  if (modulus === undefined)
    throw new Failure('MODULUS', `the token does not tell CKA_MODULUS of the private key ${id}`);
  const rsa = { modulus, exponent: integer(secret, 'publicExponent') ?? F4 };
  const another = publics.some((object) => idOf(object) === id && equal(integer(object, 'modulus'), modulus));
  if (another && publicHalf(id, rsa, publics) === undefined) {
    throw new Failure('MODULUS', `the public key ${id} has another CKA_PUBLIC_EXPONENT than the private one`);
  }
  return rsa;
}

/** The public object of a key, which in-token rewraps need. */
export function publicHalf(
  id: string,
  { modulus, exponent }: RsaPublic,
  publics: readonly GrapheneObject[],
): GrapheneObject | undefined {
  return publics.find(
    (object) =>
      idOf(object) === id &&
      equal(integer(object, 'modulus'), modulus) &&
      equal(integer(object, 'publicExponent'), exponent),
  );
}

function equal(a: Uint8Array | undefined, b: Uint8Array): boolean {
  return a !== undefined && Buffer.compare(a, b) === 0;
}
