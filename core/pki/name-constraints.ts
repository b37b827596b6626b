import type { Certificate } from './certificate.ts';
import type { NameConstraints } from './extensions.ts';
import type { GeneralName } from './general-name.ts';
import { isWithin } from './name.ts';

/** Comparisons of a name with a constraint in one path; more is an attack on the time of the reader. */
const maxComparisons = 1 << 16;

const emailAddress = '1.2.840.113549.1.9.1';
const label = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/i;

/** The preferred name syntax that RFC 5280 §4.2.1.6 asks: LDH labels, and no address in the place of a name. */
function isHostName(text: string): boolean {
  if (text.length > 253) return false;
  const labels = text.split('.');
  return labels.every((part) => label.test(part)) && !/^\d+$/.test(labels[labels.length - 1] as string);
}

function splitEmail(text: string): { local: string; host: string } | undefined {
  const at = text.indexOf('@');
  if (at < 1 || text.includes('@', at + 1)) return undefined;
  return { local: text.slice(0, at), host: text.slice(at + 1) };
}

/** The host of a URI with an authority (RFC 3986 §3.2); undefined where there is none or it is an address. */
function uriHost(text: string): string | undefined {
  const host = /^[a-z][a-z0-9+.-]*:\/\/(?:[^/?#@]*@)?([^/?#:@]+)(?::\d*)?(?:[/?#]|$)/i.exec(text)?.[1];
  return host !== undefined && isHostName(host) ? host : undefined;
}

/** What is malformed in a name of a certificate, or undefined. */
export function generalNameDefect(name: GeneralName): string | undefined {
  switch (name.form) {
    case 'dns':
      return isHostName(name.value.startsWith('*.') ? name.value.slice(2) : name.value)
        ? undefined
        : 'a dNSName that is not a host name';
    case 'email': {
      const parts = splitEmail(name.value);
      return parts && isHostName(parts.host) ? undefined : 'an rfc822Name that is not a mailbox';
    }
    case 'uri':
      // RFC 5280 §4.2.1.6: absolute, with a scheme and what follows it.
      return /^[a-z][a-z0-9+.-]*:[\x21-\x7e]+$/i.test(name.value) ? undefined : 'a URI that is not absolute';
    case 'ip':
      return name.value.length === 4 || name.value.length === 16
        ? undefined
        : 'an iPAddress that is not an address';
    case 'directory':
    case 'oid':
    case 'other':
      return undefined;
  }
}

function isPrefixMask(mask: Uint8Array): boolean {
  let ended = false;
  for (const octet of mask)
    for (let bit = 7; bit >= 0; bit--) {
      const set = ((octet >> bit) & 1) === 1;
      if (set && ended) return false;
      if (!set) ended = true;
    }
  return true;
}

/** What is malformed in the base of a subtree (RFC 5280 §4.2.1.10), or undefined. */
export function constraintDefect(base: GeneralName): string | undefined {
  switch (base.form) {
    case 'dns':
      return base.value === '' || isHostName(base.value)
        ? undefined
        : 'a dNSName constraint that is not a host name';
    case 'email': {
      const host = base.value.includes('@') ? splitEmail(base.value)?.host : base.value.replace(/^\./, '');
      return host !== undefined && isHostName(host) ? undefined : 'a malformed rfc822Name constraint';
    }
    case 'uri':
      return isHostName(base.value.replace(/^\./, '')) ? undefined : 'a malformed URI constraint';
    case 'ip': {
      const half = base.value.length / 2;
      return (half === 4 || half === 16) && isPrefixMask(base.value.subarray(half))
        ? undefined
        : 'an iPAddress constraint that is not an address and a prefix mask';
    }
    case 'directory':
    case 'oid':
    case 'other':
      return undefined;
  }
}

const isBelow = (host: string, domain: string): boolean => host.endsWith(`.${domain}`);

/** A host against `host` (exactly it) or `.domain` (anything below it), as for e-mail and URI. */
function hostMatches(host: string, base: string): boolean {
  return base.startsWith('.') ? host.endsWith(base) : host === base;
}

function dnsMatches(name: string, base: string, kind: 'permitted' | 'excluded'): boolean {
  if (base === '') return true;
  const wildcard = name.startsWith('*.');
  const host = wildcard ? name.slice(2) : name;
  if (host === base || isBelow(host, base)) return true;
  // What a wildcard may stand for is excluded when a part of it is.
  return wildcard && kind === 'excluded' && isBelow(base, host);
}

/** `undefined` where this form cannot be compared, which refuses the name (RFC 5280 §4.2.1.10). */
function matches(name: GeneralName, base: GeneralName, kind: 'permitted' | 'excluded'): boolean | undefined {
  if (name.form === 'directory' && base.form === 'directory') return isWithin(name.value, base.value);
  if (name.form === 'dns' && base.form === 'dns')
    return dnsMatches(name.value.toLowerCase(), base.value.toLowerCase(), kind);
  if (name.form === 'email' && base.form === 'email') {
    const parts = splitEmail(name.value);
    if (!parts) return undefined;
    const mailbox = splitEmail(base.value);
    const host = parts.host.toLowerCase();
    if (mailbox) return parts.local === mailbox.local && host === mailbox.host.toLowerCase();
    return hostMatches(host, base.value.toLowerCase());
  }
  if (name.form === 'uri' && base.form === 'uri') {
    const host = uriHost(name.value);
    return host === undefined ? undefined : hostMatches(host.toLowerCase(), base.value.toLowerCase());
  }
  if (name.form === 'ip' && base.form === 'ip') {
    const address = name.value;
    if (address.length * 2 !== base.value.length) return false;
    return address.every((octet, i) => {
      const mask = base.value[address.length + i] as number;
      return (octet & mask) === ((base.value[i] as number) & mask);
    });
  }
  return undefined;
}

const sameForm = (a: GeneralName, b: GeneralName): boolean =>
  a.form === 'other' ? b.form === 'other' && a.number === b.number : a.form === b.form;

function describe(name: GeneralName): string {
  switch (name.form) {
    case 'directory':
      return name.value.text;
    case 'ip':
      return name.value.length === 4 ? name.value.join('.') : 'an IPv6 address';
    case 'other':
      return `a name of form [${name.number}]`;
    default:
      return name.value;
  }
}

/** Every name of a certificate that constraints apply to. */
function constrainedNames(certificate: Certificate): readonly GeneralName[] {
  const { subject, extensions } = certificate;
  const names: GeneralName[] = [...(extensions.subjectAltNames ?? [])];
  if (subject.rdns.length > 0) names.push({ form: 'directory', value: subject });
  // RFC 5280 §4.2.1.10: an address in the subject is constrained where no alternative name takes its place.
  if (!extensions.subjectAltNames)
    for (const rdn of subject.rdns)
      for (const { type, text } of rdn)
        if (type === emailAddress && text !== undefined) names.push({ form: 'email', value: text });
  return names;
}

export type NamesVerdict =
  | { readonly ok: true }
  | { readonly ok: false; readonly reason: 'name-constraints' | 'too-complex'; readonly message: string };

/**
 * The constraints gathered on the way down a path (the permitted and excluded subtrees of RFC 5280 §6.1.1). A name
 * must satisfy the constraints of every certificate above it, which is the intersection and union of §6.1.4 (g).
 */
export class NameSubtrees {
  readonly #above: NameConstraints[] = [];
  #comparisons = 0;

  add(constraints: NameConstraints): void {
    this.#above.push(constraints);
  }

  check(certificate: Certificate): NamesVerdict {
    if (this.#above.length === 0) return { ok: true };
    const names = constrainedNames(certificate);
    for (const { permitted, excluded } of this.#above) {
      this.#comparisons += names.length * (permitted.length + excluded.length);
      if (this.#comparisons > maxComparisons)
        return {
          ok: false,
          reason: 'too-complex',
          message: 'too many names under too many name constraints',
        };
      for (const name of names) {
        const problem = this.#problem(name, permitted, excluded);
        if (problem) return { ok: false, reason: 'name-constraints', message: problem };
      }
    }
    return { ok: true };
  }

  #problem(
    name: GeneralName,
    permitted: readonly GeneralName[],
    excluded: readonly GeneralName[],
  ): string | undefined {
    for (const base of excluded) {
      if (!sameForm(name, base)) continue;
      const match = matches(name, base, 'excluded');
      if (match === undefined) return `${describe(name)} cannot be compared with the excluded names`;
      if (match) return `${describe(name)} is excluded by a certificate above it`;
    }
    const ofForm = permitted.filter((base) => sameForm(name, base));
    if (ofForm.length === 0 || ofForm.some((base) => matches(name, base, 'permitted') === true))
      return undefined;
    return `${describe(name)} is not among the names permitted by a certificate above it`;
  }
}
