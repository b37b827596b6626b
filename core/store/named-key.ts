import { ConsulError } from '../errors.ts';
import { keySigner } from '../pki/file-signer.ts';
import { readKeyUri } from '../pki/pkcs11-uri.ts';
import type { Signer } from '../pki/signer.ts';
import { readKeyFile, signerOpener } from './key-providers.ts';
import { type KeySecrets, readPin } from './keys.ts';

/**
 * A key that is brought for one act, as that of the root or of an agent: an encrypted file, or a key in a token by its
 * URI (RFC 7512).
 * @param name how it is called in messages
 * @throws ConsulError USAGE, KEY_INVALID, PASSPHRASE_WRONG, PIN_MISSING, PIN_WRONG, TOKEN_UNAVAILABLE
 */
export async function openNamedKey(
  named: string,
  name: string,
  { fileKey, pin: askPin }: KeySecrets,
): Promise<Signer> {
  if (!named.startsWith('pkcs11:')) return keySigner(await readKeyFile(named, name, fileKey));
  const { module, token, pinFile, key } = readKeyUri(named);
  const pin = pinFile === undefined ? await askPin?.(token) : await readPin(pinFile);
  if (pin === undefined) throw new ConsulError('PIN_MISSING', `the token ${token} needs its PIN`);
  return signerOpener().signer({ kind: 'token', place: { module, token, pin }, key });
}
