export { load as parse, dump as stringify } from "npm:js-yaml@4.1.0";
