import { ConsulError } from '../errors.ts';

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

function attributes(text: string, separator: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const part of text.split(separator)) {
    if (part === '') continue;
    const at = part.indexOf('=');
    const name = part.slice(0, at);
    if (at < 1 || found.has(name))
      throw new ConsulError('USAGE', `a PKCS#11 URI (RFC 7512) has each attribute once, as name=value`);
    try {
      found.set(name, decodeURIComponent(part.slice(at + 1)));
    } catch (cause) {
      throw new ConsulError('USAGE', `the attribute ${name} of a PKCS#11 URI is wrongly percent-encoded`, {
        cause,
      });
    }
  }
  return found;
}

const withoutScheme = (source: string): string => source.replace(/^file:(?:\/\/(?=\/))?/, '');

/**
 * Reads the URI of a token: `pkcs11:token=LABEL?module-path=PATH&pin-source=FILE` (RFC 7512 §2). Attributes that would
 * narrow the choice further are refused, for they would be ignored; so is a PIN that stands in the URI itself.
 * @throws ConsulError USAGE
 */
export function readTokenUri(uri: string): TokenUri {
  const [, path, query = ''] = /^pkcs11:([^?]*)(?:\?(.*))?$/.exec(uri) ?? [];
  if (path === undefined) throw new ConsulError('USAGE', `a token is named as ${example}`);
  const asked = attributes(query, '&');
  if (asked.has('pin-value'))
    throw new ConsulError('USAGE', 'a PIN does not stand in an argument: name its file by pin-source');
  const named = attributes(path, ';');
  const known = new Set(['token', 'module-path', 'pin-source']);
  const unknown = [...named.keys(), ...asked.keys()].find((name) => !known.has(name));
  if (unknown !== undefined)
    throw new ConsulError('USAGE', `the attribute ${unknown} of a PKCS#11 URI means nothing here`);
  const token = named.get('token');
  const module = asked.get('module-path');
  const source = asked.get('pin-source');
  if (!token || !module) throw new ConsulError('USAGE', `a token is named as ${example}`);
  return { module, token, ...(source ? { pinFile: withoutScheme(source) } : {}) };
}
