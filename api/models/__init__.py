"""What the api says and takes, as models: the OpenAPI document is made from them. Units stand in the names, instants are UTC."""
