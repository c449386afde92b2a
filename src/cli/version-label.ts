/** A version as people see it: providers' own names can be long. JSON documents have them whole. */
export function versionLabel(uri: string, version: string): string {
  if (uri.startsWith('local:')) return version.split('.')[0] ?? version;
  // CKA_ID of a version that we made: mark, number, time, random (providers/pkcs11).
  const [, number] = /^5758([0-9a-f]{8})[0-9a-f]{24}$/.exec(version) ?? [];
  if (uri.startsWith('pkcs11:') && number !== undefined) return String(Number.parseInt(number, 16));
  return version.length > 16 ? `${version.slice(0, 12)}…` : version;
}
