import { failureOf } from './failure.ts';
import type { GrapheneObject } from './graphene.ts';

/** CKA_ID in hexadecimal. */
export function idOf(object: GrapheneObject): string {
  return (object.getAttribute({ id: null })['id'] as Buffer).toString('hex');
}

/** A flag of a key; tokens leave out flags that they do not know. */
export function allows(object: GrapheneObject | undefined, flag: string): boolean {
  return object !== undefined && attribute(object, flag) === true;
}

/** A big-endian integer without leading zeros, or undefined where the token does not tell it. */
export function integer(object: GrapheneObject, name: string): Uint8Array | undefined {
  const value = attribute(object, name);
  if (!Buffer.isBuffer(value)) return undefined;
  const first = value.findIndex((byte) => byte !== 0);
  return first === -1 ? undefined : new Uint8Array(value.subarray(first));
}

const ABSENT = ['CKR_ATTRIBUTE_TYPE_INVALID', 'CKR_ATTRIBUTE_SENSITIVE'];

function attribute(object: GrapheneObject, name: string): unknown {
  try {
    return object.getAttribute({ [name]: null })[name];
  } catch (error) {
    if (ABSENT.includes(failureOf(error).kind)) return undefined;
    throw error;
  }
}
