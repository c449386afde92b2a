const p = 2n ** 255n - 19n;

function littleEndian(value: bigint): Uint8Array {
  return Uint8Array.from({ length: 32 }, (_, at) => Number((value >> BigInt(8 * at)) & 0xffn));
}

/** The two points of order 8 on Curve25519, by their u-coordinate. */
const ORDER_8 = [
  325606250916557431795983626356110631294008115727848805560023387167927233504n,
  39382357235489614581723060781553021112529911719440698176882885853963445705823n,
];

const U_COORDINATES: readonly (readonly [string, bigint])[] = [
  ['0', 0n],
  ['1', 1n],
  ['order 8, first', ORDER_8[0] ?? 0n],
  ['order 8, second', ORDER_8[1] ?? 0n],
  ['p - 1', p - 1n],
  ['p', p],
  ['p + 1', p + 1n],
];

/** Every point of small order on the curve and its twist, in every spelling of 32 bytes. */
export const SMALL_ORDER_POINTS = U_COORDINATES.flatMap(([what, u]): (readonly [what: string, point: Uint8Array])[] => [
  [what, littleEndian(u)],
  // The highest bit is not looked at (RFC 7748 section 5).
  [`${what} with the highest bit set`, littleEndian(u | (1n << 255n))],
]);
