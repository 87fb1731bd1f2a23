// Where the API's resources are, under its prefix. Contract: Hosts, Resources.

export const API_PREFIX = '/api/v3/integration';
export const FACILITY = `${API_PREFIX}/facilities/:facilityId`;
export const DOCTOR = `${FACILITY}/doctors/:doctorId`;
export const ADDRESS = `${DOCTOR}/addresses/:addressId`;
