import { resolve } from 'node:path';
import { ConsulError } from '../core/errors.ts';
import type { NewPost, NewTokenKey } from '../core/issuance/create-post.ts';
import { readTokenUri } from '../core/pki/pkcs11-uri.ts';
import { certifiedKeyNames } from '../core/store/keys.ts';
import type { CommonOptions } from './outcome.ts';
import { tokenPin } from './secrets.ts';

const signing = [...certifiedKeyNames, 'log'] as const;
const names = [...signing, 'root'] as const;

/**
 * The tokens of `--keys`: a URI alone is for every key that signs daily, `NAME=URI` for one, that of the root too; the last
 * word on a key holds.
 * @throws ConsulError USAGE, PIN_MISSING, FILE_UNREADABLE
 */
export async function tokensNamed(
  places: readonly string[],
  options: CommonOptions,
): Promise<NonNullable<NewPost['tokens']>> {
  const chosen: Record<string, NewTokenKey> = {};
  const pins = new Map<string, string>();
  for (const place of places) {
    const [, name, uri = ''] = /^(?:([a-z-]+)=)?(pkcs11:.*)$/.exec(place) ?? [];
    if (name !== undefined && !names.some((one) => one === name))
      throw new ConsulError('USAGE', `there is no signing key ${name}: ${names.join(', ')}`);
    const { module, token, pinFile } = readTokenUri(uri || place);
    const file = pinFile === undefined ? undefined : resolve(pinFile);
    const pin = pins.get(token) ?? (await tokenPin(token, file === undefined ? options : { pinFile: file }));
    pins.set(token, pin);
    for (const key of name === undefined ? signing : [name])
      chosen[key] = { module, token, pin, ...(file === undefined ? {} : { pinFile: file }) };
  }
  return chosen;
}
