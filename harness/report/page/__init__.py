"""The chapters and drawings of the HTML page; never writes a file or asks for a network address."""
