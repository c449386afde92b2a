import { decodeHead, type AttachedHead, isAttached } from '../../src/envelope/format/head.ts';

/** The head of an attached object, of which the tests know that it is one. */
export function attachedHead(bytes: Uint8Array, name = 'x'): AttachedHead {
  const head = decodeHead(bytes, name);
  if (!isAttached(head)) throw new Error(`expected an attached object, not a ${head.geometry.layout} one`);
  return head;
}
