
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='TokenBucket',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('policy', models.CharField(max_length=32)),
                ('key', models.CharField(help_text='The SHA-256 of what is counted.', max_length=64)),
                ('tokens', models.FloatField()),
                ('updated_at', models.DateTimeField()),
                ('granted', models.BooleanField(help_text='Whether the last taking found a token.')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('policy', 'key'), name='accounts_tokenbucket_once')],
            },
        ),
    ]
