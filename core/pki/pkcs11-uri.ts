import { latin1, toHex } from '../bytes.ts';
import { ConsulError } from '../errors.ts';
import type { TokenKey } from './pkcs11.ts';

/** Where a token is, as RFC 7512 writes it. */
export interface TokenUri {
  /** `module-path`. */
  readonly module: string;
  /** `token`: its label. */
  readonly token: string;
  /** `pin-source`: the file that holds the PIN, as a path or a `file:` URI. */
  readonly pinFile?: string;
}

const example = 'pkcs11:token=LABEL?module-path=/usr/lib/…/MODULE.so';

/** `id` is any bytes (RFC 7512 §2.3): hexadecimal here. */
const bytesIn = (text: string): string =>
  toHex(
    latin1(
      text.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    ),
  );

function attributes(text: string, separator: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const part of text.split(separator)) {
    if (part === '') continue;
    const at = part.indexOf('=');
    const name = part.slice(0, at);
    if (at < 1 || found.has(name))
      throw new ConsulError('USAGE', `a PKCS#11 URI (RFC 7512) has each attribute once, as name=value`);
    try {
      const value = part.slice(at + 1);
      found.set(name, name === 'id' ? bytesIn(value) : decodeURIComponent(value));
    } catch (cause) {
      throw new ConsulError('USAGE', `the attribute ${name} of a PKCS#11 URI is wrongly percent-encoded`, {
        cause,
      });
    }
  }
  return found;
}

const withoutScheme = (source: string): string => source.replace(/^file:(?:\/\/(?=\/))?/, '');

/** @param allowed attributes besides those that name the token; another one would be ignored, and is refused */
function readUri(
  uri: string,
  allowed: readonly string[],
): { uri: TokenUri; named: ReadonlyMap<string, string> } {
  const [, path, query = ''] = /^pkcs11:([^?]*)(?:\?(.*))?$/.exec(uri) ?? [];
  if (path === undefined) throw new ConsulError('USAGE', `a token is named as ${example}`);
  const asked = attributes(query, '&');
  if (asked.has('pin-value'))
    throw new ConsulError('USAGE', 'a PIN does not stand in an argument: name its file by pin-source');
  const named = attributes(path, ';');
  const known = new Set(['token', 'module-path', 'pin-source', ...allowed]);
  const unknown = [...named.keys(), ...asked.keys()].find((name) => !known.has(name));
  if (unknown !== undefined)
    throw new ConsulError('USAGE', `the attribute ${unknown} of a PKCS#11 URI means nothing here`);
  const token = named.get('token');
  const module = asked.get('module-path');
  const source = asked.get('pin-source');
  if (!token || !module) throw new ConsulError('USAGE', `a token is named as ${example}`);
  return { uri: { module, token, ...(source ? { pinFile: withoutScheme(source) } : {}) }, named };
}

/**
 * Reads the URI of a token: `pkcs11:token=LABEL?module-path=PATH&pin-source=FILE` (RFC 7512 §2). Attributes that would
 * narrow the choice further are refused, for they would be ignored; so is a PIN that stands in the URI itself.
 * @throws ConsulError USAGE
 */
export const readTokenUri = (uri: string): TokenUri => readUri(uri, []).uri;

/** The same of a key in a token: `object` is its label, `id` its identifier; one of them must stand. */
export function readKeyUri(text: string): TokenUri & { readonly key: TokenKey } {
  const { uri, named } = readUri(text, ['object', 'id', 'type']);
  const [label, id] = [named.get('object'), named.get('id')];
  if (id) return { ...uri, key: { id, ...(label ? { label } : {}) } };
  if (!label) throw new ConsulError('USAGE', 'a key in a token is named by object or id');
  return { ...uri, key: { label } };
}
