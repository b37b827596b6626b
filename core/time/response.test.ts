import { describe, expect, it } from 'vitest';
import { element, integer, nul, sequence, utf8String } from '../der/writer.ts';
import { encodeGranted, encodeRejection, type Failure, readResponse } from './response.ts';

const token = sequence(integer(1));
const status = (value: number, ...rest: readonly Uint8Array[]) => sequence(integer(value), ...rest);
const badRequest = element(0x03, Uint8Array.of(5, 0x20));

describe('readResponse', () => {
  it('gives the token that was granted', () => {
    expect(readResponse(encodeGranted(token))).toEqual({ status: 'granted', token });
    expect(readResponse(sequence(status(1), token))).toEqual({ status: 'grantedWithMods', token });
  });

  const failures: readonly Failure[] = [
    'badAlg',
    'badRequest',
    'badDataFormat',
    'timeNotAvailable',
    'unacceptedPolicy',
    'unacceptedExtension',
    'addInfoNotAvailable',
    'systemFailure',
  ];
  it.each(failures)('gives the reason of a rejection: %s', (failure) => {
    expect(readResponse(encodeRejection(failure, 'pourquoi'))).toEqual({
      status: 'rejection',
      failures: [failure],
      text: ['pourquoi'],
    });
  });

  it.each([
    ['a token in a rejection', sequence(status(2), token)],
    ['a granted response without a token', sequence(status(0))],
    ['a granted response with a failure', sequence(status(0, badRequest), token)],
    ['a status that is not known', sequence(status(6))],
    ['a negative status', sequence(status(-1))],
    ['a failure before its words', sequence(status(2, badRequest, sequence(utf8String('x'))))],
    ['a failure list with trailing zeros', sequence(status(2, element(0x03, Uint8Array.of(4, 0x20))))],
    ['words that are not UTF-8', sequence(status(2, sequence(element(0x0c, Uint8Array.of(0xff)))))],
    ['a third member', sequence(status(0), token, token)],
    ['no member', sequence()],
    ['something else', nul],
  ])('refuses %s', (_, der) => {
    expect(() => readResponse(der)).toThrow(expect.objectContaining({ code: 'DER_INVALID' }));
  });
});
