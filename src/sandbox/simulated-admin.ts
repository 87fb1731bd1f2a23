// What the doctor and the marketplace's staff change about an address by hand.
import { z } from 'zod';
import type { AddressRef } from './address.js';
import { readInput, SandboxInputError } from './input.js';
import type { Market } from './market/market.js';
import {
  assign,
  type CommercialType,
  changeServices,
  type Place,
  type ServiceChanges,
  setCommercialType,
  type Telling,
  unassign,
} from './market/places.js';
import { SandboxRefusedError } from './refused.js';
import { type Cutting, cuttingSchema, type Service, serviceSchema } from './seed.js';

export class Registrar {
  readonly #market: Market;
  readonly #now: () => number;

  constructor(market: Market, now: () => number) {
    this.#market = market;
    this.#now = now;
  }

  setServices(ref: AddressRef, services: readonly Service[], telling?: Telling): ServiceChanges {
    const known = readInput(z.array(serviceSchema), services, 'services');
    return changeServices(this.#market, this.#place(ref), known, 'doctor', this.#now(), telling);
  }

  setCommercialType(ref: AddressRef, type: CommercialType): void {
    assertChanged('setCommercialType', setCommercialType(this.#market, this.#place(ref), type, this.#now()));
  }

  setCutting(ref: AddressRef, cutting: Cutting): void {
    this.#place(ref).address.cutting = readInput(cuttingSchema, cutting, 'cutting');
  }

  assignAddress(ref: AddressRef, telling?: Telling): void {
    assertChanged('assignAddress', assign(this.#market, this.#place(ref), this.#now(), telling));
  }

  unassignAddress(ref: AddressRef, telling?: Telling): void {
    assertChanged('unassignAddress', unassign(this.#market, this.#place(ref), this.#now(), telling));
  }

  #place(ref: AddressRef): Place {
    const address = this.#market.directory.find(ref)?.address;
    const calendar = this.#market.calendar(ref);
    if (address === undefined || calendar === undefined) {
      throw new SandboxInputError('address', 'does not exist in the estate');
    }
    return { address, calendar };
  }
}

function assertChanged(what: string, changed: boolean): void {
  if (!changed) throw new SandboxRefusedError(what, 'same');
}
