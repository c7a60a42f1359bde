//! From a domain to a route: names, DANE, MTA-STS and the rules of the operator.
