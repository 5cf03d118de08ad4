// Package openapi has the description of all routes of the server, of every
// dialect, as OpenAPI has it. It is written by hand; tests hold it to the
// routes, to the fields that they read and to what they answer.
package openapi

import _ "embed"

// Document is an OpenAPI 3.0 document in JSON, to be read only.
//
//go:embed openapi.json
var Document []byte
