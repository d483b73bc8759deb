"""A host application that only tests install: tools that take their time and leave traces."""
